/** The elements that cover the page for a while: the focus in them says nothing about where the person was. */
const COVERS = ".overlay, [role=dialog], [role=menu], [role=listbox]";

/** The element of the page that had the focus last, and what is around it, from the inside out. */
let place: readonly Element[] = [];

addEventListener("focusin", ({ target }) => {
  if (target instanceof Element && target.closest(COVERS) === null) place = toPlace(target);
});
// A press beside everything that takes the focus gives it up; a press in a dialog does not.
addEventListener("pointerdown", ({ target }) => {
  if (target instanceof Element && target.closest(COVERS) === null) place = [];
});

function toPlace(element: Element): readonly Element[] {
  const around: Element[] = [];
  for (let part: Element | null = element; part !== null && part !== document.body; part = part.parentElement) {
    around.push(part);
  }
  return around;
}

/**
 * Gives the focus back after an action: to the element that had it, else to the row, the panel or the page that the
 * action was about. It does nothing while something has the focus.
 */
export function returnFocus(): void {
  if (document.activeElement !== document.body || document.querySelector(COVERS) !== null) return;
  const [element, ...around] = place;
  const nearest = element?.isConnected ? element : around.find((part) => part.isConnected);
  if (nearest === undefined) return;
  const target = nearest === element ? nearest : findHead(nearest);
  if (!(target instanceof HTMLElement)) return;
  if (target !== element && !target.matches("a, button")) target.tabIndex = -1;
  target.focus({ preventScroll: true });
}

/** Returns what names the row, else the panel, else the page of a part. */
function findHead(part: Element): Element | null {
  return (
    part.closest("[data-row]")?.querySelector("a, button") ??
    part.closest(".panel")?.querySelector("h2") ??
    document.querySelector("main h1")
  );
}

/** Returns the focus whenever the element that had it is gone from the page. */
export function keepFocus(): () => void {
  const observer = new MutationObserver(() => {
    // The replacement of the element, such as another page, may take the focus itself.
    if (place[0]?.isConnected === false) requestAnimationFrame(returnFocus);
  });
  observer.observe(document.body, { childList: true, subtree: true });
  return () => observer.disconnect();
}
