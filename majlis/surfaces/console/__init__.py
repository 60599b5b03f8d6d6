"""The web page of moderators and operators: the queue, people, words, the numbers, the trail. It calls /api/v1 only."""
