"""The one renderer: values of the domain as text, each answer in its own file, and as the JSON envelope."""
