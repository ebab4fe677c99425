const svg = 'http://www.w3.org/2000/svg'

/**
 * Makes an element. Strings become text, never markup; `on…` are listeners; `undefined` and `false`
 * leave an attribute out.
 */
export function h(name, attributes, ...children) {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === false) continue
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value)
    else element.setAttribute(key, value === true ? '' : String(value))
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== ''))
  return element
}

/** One of the page's own icons. */
export function icon(name) {
  const picture = document.createElementNS(svg, 'svg')
  picture.setAttribute('class', 'icon')
  picture.setAttribute('aria-hidden', 'true')
  const use = document.createElementNS(svg, 'use')
  use.setAttribute('href', `#i-${name}`)
  picture.append(use)
  return picture
}

/** The element with this id. */
export function byId(id) {
  return document.getElementById(id)
}
