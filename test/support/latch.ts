/** Something to wait for. */
export interface Latch {
  readonly opened: Promise<void>
  open(): void
}

/** A latch that is shut. */
export function latch(): Latch {
  let open: () => void = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}
