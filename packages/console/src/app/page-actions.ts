/** A button of the present page, for the palette. */
export interface PageAction {
  readonly kind: "Action";
  readonly key: string;
  readonly title: string;
  /** Why it cannot be pressed now. */
  readonly refusal: string | undefined;
  readonly press: () => void;
}

/** The page's own actions, those of its panels, and those of the header. Buttons of rows belong to their rows. */
const PLACES = [".page-actions", ".panel > header", "[role=toolbar]", ".shell-end"];

/** Returns the actions of the present page, in its order, once each. */
export function findActions(): readonly PageAction[] {
  const buttons = document.querySelectorAll<HTMLElement>(PLACES.map((place) => `${place} .button`).join());
  const actions = new Map<string, PageAction>();
  for (const button of buttons) {
    const title = button.getAttribute("aria-label") ?? button.textContent.trim();
    if (actions.has(title)) continue;
    actions.set(title, {
      kind: "Action",
      key: `action ${title}`,
      title,
      refusal: findRefusal(button),
      // A dialog that it opens comes after the palette has gone.
      press: () => requestAnimationFrame(() => button.click()),
    });
  }
  return [...actions.values()];
}

function findRefusal(button: HTMLElement): string | undefined {
  if (button.getAttribute("aria-disabled") !== "true") return undefined;
  return document.getElementById(button.getAttribute("aria-describedby") ?? "")?.textContent ?? undefined;
}
