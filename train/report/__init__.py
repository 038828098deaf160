"""Stage `report`: charts and the page that says what the gap is made of."""
