// Moves a playhead over a Plotly chart by the clock of Streamlit's own audio player, and seeks on click.
// Draws on each frame while the sound plays, else only when the player, the chart or the page changes.
// Uses plotly.js' private axis functions (_fullLayout, _offset, p2l, l2p): the versions are pinned and a browser test
// holds them to it.

const running = new WeakMap() // component root → how to stop it
const lastSeen = new Map() // player → what it played when last looked at
const loaded = new WeakMap() // audio element → the file that it has told of loading
const heard = new WeakSet() // charts that tell when they were drawn
const asked = new Map() // player → which stretch was played last, and the one that is being played
const redraws = new Map() // chart → what to do then
const NO_CONTROL = "body, main, [role=tabpanel]" // what has the focus when nothing that answers keys has it
const CONTROLLED = ["aria-checked", "aria-valuetext", "data-selected"] // what a widget changes with its value
const MOMENTS = ["play", "pause", "seeking", "seeked", "timeupdate", "loadedmetadata", "ratechange"]

export default function ({ parentElement, data }) {
  running.get(parentElement)?.()
  const chart = () => document.querySelector(`.st-key-${data.chart} .js-plotly-plot`)
  const player = () => document.querySelector(`.st-key-${data.player} audio`)
  const clock = parentElement.querySelector(".clock")
  parentElement.querySelector(".bar").style.display = data.bar ? "" : "none"

  const line = document.createElement("div")
  line.className = "acrnn-playhead"
  Object.assign(line.style, {
    position: "absolute", width: "2px", background: "#E69F00", boxShadow: "0 0 3px rgba(0,0,0,.7)",
    pointerEvents: "none", zIndex: 5, display: "none",
  })

  // What the page's own widgets say now. Streamlit changes them at once and then runs the page, too late for the eye.
  const wanted = () => {
    const of = (key, what) => [...document.querySelectorAll(`.st-key-${data.controls[key]} ${what}`)]
    const [low, high] = of("colours", "input[type=range]").map((end) => Number(end.value))
    return {
      opacity: of("veil", "input")[0]?.checked ? 1 : 0,
      zmin: low, zmax: Math.max(high, low + 5),
      version: of("version", "[role=radio]").findIndex((option) => option.ariaChecked === "true"),
    }
  }

  const restyle = (gd, trace, style) => {
    const at = gd.data.flatMap((one, i) => (one.name === trace ? [i] : []))
    const isSo = (i) => Object.entries(style).every(([name, value]) => gd.data[i][name] === value)
    const button = gd.querySelector(".updatemenu-button")
    if (!button || at.every(isSo)) return
    Object.assign(button.__data__, { method: "restyle", args: [style, at] }) // what it does, as Plotly bound it
    button.dispatchEvent(new MouseEvent("click"))
  }

  const obey = (gd, audio) => {
    const { opacity, zmin, zmax, version } = wanted()
    restyle(gd, "veil", { opacity })
    if (Number.isFinite(zmin)) restyle(gd, "spectrogram", { zmin, zmax })
    const source = data.controls.versions[version]
    if (source && !audio.src.endsWith(source)) audio.src = source
  }

  // The attended version of a clip is another file: take position and play state over to it.
  const follow = (audio) => {
    // While a new file loads, the player's clock already stands at 0: that is not where the listener was.
    if (audio.readyState < HTMLMediaElement.HAVE_METADATA) return
    const last = lastSeen.get(data.player)
    // Once a file has loaded, Streamlit moves to its start: take over after that.
    if (last && last.source !== audio.src && loaded.get(audio) !== audio.src) return
    if (last?.source === audio.src) {
      last.time = audio.currentTime
      last.playing = !audio.paused
      return
    }
    if (last?.clip === data.clip) {
      audio.currentTime = last.time
      if (last.playing) audio.play()
    }
    lastSeen.set(data.player, { source: audio.src, clip: data.clip, time: audio.currentTime, playing: !audio.paused })
  }

  const place = () => {
    const gd = chart(), audio = player()
    if (gd?._fullLayout?.xaxis && audio) {
      follow(audio) // first, as where it stands is lost with its source
      if (data.controls) obey(gd, audio)
      playStretch(audio)
      const axis = gd._fullLayout.xaxis, size = gd._fullLayout._size
      const holder = gd.querySelector(".svg-container")
      if (holder && line.parentElement !== holder) holder.appendChild(line)
      const x = axis.l2p(audio.currentTime)
      line.style.display = x >= 0 && x <= axis._length ? "block" : "none"
      line.style.left = `${axis._offset + x - 1}px`
      line.style.top = `${size.t}px`
      line.style.height = `${size.h}px`
      const told = `${audio.currentTime.toFixed(2)} s`
      if (clock.textContent !== told) clock.textContent = told // a change that would call for another drawing
      if (!heard.has(gd) && gd.on) {
        heard.add(gd)
        gd.on("plotly_afterplot", () => redraws.get(data.chart)?.())
      }
    }
  }
  // Plays a stretch when it is asked anew, and stops or begins again at its end.
  const playStretch = (audio) => {
    const wanted = data.stretch, last = asked.get(data.player)
    if (wanted && audio.readyState >= HTMLMediaElement.HAVE_METADATA) {
      const id = `${data.clip} ${wanted.asked}`
      if (last?.id !== id) {
        asked.set(data.player, { id, now: wanted })
        audio.currentTime = wanted.start_s
        audio.play().catch(() => {}) // a browser that lets no page play by itself
        return
      }
      if (last.now) last.now = { ...wanted }
    }
    const now = last?.now
    if (!now || audio.paused || audio.currentTime < now.end_s) return
    if (now.loop) {
      audio.currentTime = now.start_s
    } else {
      audio.pause()
      last.now = null
    }
  }

  let frame = null
  const redraw = () => { frame ??= requestAnimationFrame(tick) }
  const tick = () => {
    frame = null
    place()
    if (player()?.paused === false) redraw()
  }
  redraws.set(data.chart, redraw)
  const changed = new MutationObserver(redraw) // another figure or another sound
  changed.observe(document.body, { childList: true, subtree: true, attributeFilter: CONTROLLED })
  const heed = (event) => {
    if (event.type === "loadedmetadata") loaded.set(event.target, event.target.src)
    redraw()
  }
  for (const event of MOMENTS) document.addEventListener(event, heed, true)
  window.addEventListener("resize", redraw)

  // Plotly lays a cover over the page while the button is down, so a click is told from a drag by its two ends.
  let pressed = null
  const inPlot = (event) => {
    const gd = chart()
    const holder = gd?.querySelector(".svg-container")
    if (!holder || !holder.contains(event.target)) return null
    if (event.target.closest(".modebar, .colorbar")) return null
    const axis = gd._fullLayout.xaxis, size = gd._fullLayout._size
    const box = holder.getBoundingClientRect()
    const x = event.clientX - box.left - axis._offset, y = event.clientY - box.top - size.t
    return x >= 0 && x <= axis._length && y >= 0 && y <= size.h ? { x, seconds: axis.p2l(x), at: event.clientX } : null
  }
  const press = (event) => { pressed = event.button === 0 ? inPlot(event) : null }
  const release = (event) => {
    const audio = player()
    if (pressed && audio && Math.abs(event.clientX - pressed.at) < 4) {
      if (asked.has(data.player)) asked.get(data.player).now = null
      audio.currentTime = Math.max(0, Math.min(pressed.seconds, audio.duration || pressed.seconds))
    }
    pressed = null
  }
  document.addEventListener("pointerdown", press, true)
  document.addEventListener("pointerup", release, true)

  // Of several players on a page, one that plays is paused, else the first one plays.
  const key = (event) => {
    if (event.code !== "Space" || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return
    if (event.defaultPrevented || !event.composedPath()[0].matches?.(NO_CONTROL)) return
    const playing = [...document.querySelectorAll("audio")].find((audio) => !audio.paused)
    if (!playing && !player()) return
    event.preventDefault() // the page would scroll
    if (event.repeat) return
    if (playing) playing.pause()
    else player().play().catch(() => {})
  }
  document.addEventListener("keydown", key)

  // Plotly's own button makes the picture; the format is a setting of the chart.
  for (const button of parentElement.querySelectorAll("button[data-format]")) {
    button.onclick = () => {
      const gd = chart()
      if (!gd) return
      Object.assign(gd._context.toImageButtonOptions, {
        format: button.dataset.format, filename: data.filename, scale: button.dataset.format === "png" ? 2 : 1,
      })
      gd.querySelector(".modebar-btn")?.click() // the first one is the camera
    }
  }

  redraw()
  const stop = () => {
    cancelAnimationFrame(frame)
    changed.disconnect()
    for (const event of MOMENTS) document.removeEventListener(event, heed, true)
    window.removeEventListener("resize", redraw)
    document.removeEventListener("pointerdown", press, true)
    document.removeEventListener("pointerup", release, true)
    document.removeEventListener("keydown", key)
    line.remove()
  }
  running.set(parentElement, stop)
  return stop
}
