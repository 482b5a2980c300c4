// What is too wide for the screen scrolls by itself; here the keyboard can reach it, and a screen reader names it.

const WIDE = "[data-testid=stTable] div, .katex-display, .st-key-matrixframe"
const NAMES = { stTable: "Table", katex: "Equation" }

const name = (element) => {
  if (element.closest("[data-testid=stTable]")) return NAMES.stTable
  return element.matches(".katex-display") ? NAMES.katex : "Confusion matrix"
}

const look = () => {
  for (const element of document.querySelectorAll(WIDE)) {
    const scrolls = element.scrollWidth > element.clientWidth && getComputedStyle(element).overflowX !== "visible"
    if (scrolls && !element.hasAttribute("tabindex")) {
      element.setAttribute("tabindex", "0")
      element.setAttribute("role", "region")
      element.setAttribute("aria-label", `${name(element)}, scrolls sideways`)
    } else if (!scrolls && element.getAttribute("role") === "region") {
      for (const attribute of ["tabindex", "role", "aria-label"]) element.removeAttribute(attribute)
    }
  }
}

let waiting
const soon = () => { waiting ??= setTimeout(() => { waiting = undefined; look() }, 300) }

export default function () {
  const changed = new MutationObserver(soon)
  changed.observe(document.body, { childList: true, subtree: true })
  window.addEventListener("resize", soon)
  soon()
  return () => {
    changed.disconnect()
    window.removeEventListener("resize", soon)
  }
}
