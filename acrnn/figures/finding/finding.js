// A playhead over each picture, by the clock of its audio element; a click, a drag or the arrow keys seek.
for (const finding of document.querySelectorAll(".finding")) {
  const audio = finding.querySelector("audio")
  const seek = finding.querySelector(".seek"), head = finding.querySelector(".playhead")
  const clock = finding.querySelector(".clock"), picture = finding.querySelector(".picture")
  const seconds = Number(seek.dataset.seconds)

  const show = () => {
    const now = Math.min(audio.currentTime, seconds), told = `${now.toFixed(2)} s`
    head.style.left = `${(100 * now) / seconds}%`
    clock.textContent = told
    seek.setAttribute("aria-valuenow", now.toFixed(2))
    seek.setAttribute("aria-valuetext", told)
  }
  const run = () => {
    show()
    if (!audio.paused) requestAnimationFrame(run)
  }
  const go = (to) => {
    audio.currentTime = Math.max(0, Math.min(seconds, to))
    show()
  }
  const at = (event) => {
    const box = seek.getBoundingClientRect()
    return (seconds * (event.clientX - box.left)) / box.width
  }

  audio.addEventListener("play", () => {
    for (const other of document.querySelectorAll("audio")) if (other !== audio) other.pause()
    run()
  })
  for (const moment of ["seeked", "pause", "timeupdate"]) audio.addEventListener(moment, show)
  seek.addEventListener("pointerdown", (event) => go(at(event)))
  seek.addEventListener("pointermove", (event) => {
    if (event.buttons & 1) go(at(event))
  })
  seek.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: 0.1, ArrowUp: 0.1, ArrowLeft: -0.1, ArrowDown: -0.1, PageUp: 1, PageDown: -1 }
    if (event.key in steps) go(audio.currentTime + steps[event.key])
    else if (event.key === "Home") go(0)
    else if (event.key === "End") go(seconds)
    else if (event.key === " ") audio.paused ? audio.play() : audio.pause()
    else return
    event.preventDefault()
  })
  finding.querySelector(".veiled")?.addEventListener("change", (event) => {
    picture.classList.toggle("is-veiled", event.target.checked)
  })
}
