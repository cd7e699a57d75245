type Flush = () => void;

const PRESSABLE = "a, button, label, summary, [role=button], [role=tab]";
const MAX_HELD_MS = 5_000;

/**
 * Returns a scheduler for what new data makes the page show: while a link or button is pressed, it waits for the release.
 * A list that moved in between would swallow the click, because the pointer would be released over something else.
 */
export function createPressGate(target: EventTarget): (flush: Flush) => void {
  let held: Flush[] | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const release = () => {
    clearTimeout(timer);
    const flushes = held ?? [];
    held = undefined;
    // The click comes right after the release, in the same task.
    for (const flush of flushes) setTimeout(flush, 0);
  };
  target.addEventListener("pointerdown", (event) => {
    if (!(event.target instanceof Element) || event.target.closest(PRESSABLE) === null) return;
    release();
    held = [];
    // A release that the page does not hear of, such as over a menu of the browser, stops nothing for long.
    timer = setTimeout(release, MAX_HELD_MS);
  });
  for (const end of ["pointerup", "pointercancel", "contextmenu"]) target.addEventListener(end, release);
  return (flush) => {
    if (held === undefined) setTimeout(flush, 0);
    else held.push(flush);
  };
}
