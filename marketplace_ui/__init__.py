"""The shop's pages (Streamlit): layout only. What is on sale is `marketplace`; what a pack is, `skill_packs`.

    app.py          router; run it through `launch.shop_command`
    app_pages/      browse, pack: what stands where
    components/     draw plain values
    services/       ask the lake; no Streamlit there

Streamlit puts this folder first on sys.path: no module directly in it may share its name with a library.
"""
