"""Pages of the Streamlit app: each is a script that Streamlit runs; `main.py` is the entry."""
