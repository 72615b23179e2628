"""Drawing functions: plain values in, Streamlit elements out. Nothing here reads the lake."""
