//! What a person types and reads: arguments, commands, prompt, rendering.
