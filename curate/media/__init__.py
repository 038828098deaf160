"""What footage is made of: clips, frames, their hashes and their sharpness."""
