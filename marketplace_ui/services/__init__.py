"""What the pages ask: reads the lake and returns plain values. Nothing here knows Streamlit."""
