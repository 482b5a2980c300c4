// Streamlit adds an entry to the browser's history for every parameter that it writes: a click that sets three would
// have to be taken back three times. Of the entries that follow one press of a key or button, the first one stays.

export default function () {
  if (window.acrnnHistory) return
  window.acrnnHistory = true
  const push = history.pushState.bind(history)
  let pressed = false
  const press = () => { pressed = true }
  for (const kind of ["pointerdown", "keydown"]) window.addEventListener(kind, press, true)
  window.addEventListener("popstate", () => { pressed = false }, true)
  history.pushState = (state, unused, url) => {
    if (pressed) push(state, unused, url)
    else history.replaceState(state, unused, url)
    pressed = false
  }
}
