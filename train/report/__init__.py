"""Stage `report`: charts, and the page that shows what the gap is made of."""
