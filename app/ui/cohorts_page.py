"""Page under way."""

import streamlit as st

st.title("Under way")
