import { h } from './dom.js'
import { duration } from './words.js'

/** What went wrong, and a button that tries again once waiting is over. */
export function failureBox(failure, onRetry, { quiet = false } = {}) {
  const words = h('p', { role: quiet ? undefined : 'alert' }, failure.message)
  const retry = h('button', { type: 'button', class: 'button', onclick: tryAgain }, 'Try again')
  const until = Date.now() + failure.waitSeconds * 1000

  function tryAgain() {
    if (retry.getAttribute('aria-disabled') !== 'true') onRetry()
  }

  function tick() {
    const left = (until - Date.now()) / 1000
    retry.setAttribute('aria-disabled', String(left > 0))
    retry.textContent = left > 0 ? `Try again in ${duration(left)}` : 'Try again'
    if (left > 0) setTimeout(tick, Math.min(1000, left * 1000))
  }

  tick()
  const tone = quiet ? 'quiet' : failure.status === 429 ? 'limited' : ''
  return h('div', { class: `failure ${tone}` }, words, retry)
}
