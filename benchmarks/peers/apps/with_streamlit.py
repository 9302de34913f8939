"""The page of the comparison, with two fragments of Streamlit."""

import streamlit
from work import report, run


@streamlit.fragment
def job():
    if streamlit.button("Run"):
        bar = streamlit.progress(0.0)
        streamlit.text(run(lambda done, total: bar.progress(done / total)))


@streamlit.fragment
def ordinary():
    if streamlit.button("Ordinary"):
        streamlit.text(report("pong"))


job()
ordinary()
