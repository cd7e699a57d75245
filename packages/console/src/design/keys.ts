import type { KeyboardEvent as ReactKeyboardEvent } from "react";

/**
 * Leaves a key to the input method while it composes: Enter and Escape end the composition, and the arrows choose in its
 * list. The text editor has rules of its own.
 */
function leaveToInputMethod(event: KeyboardEvent): void {
  const isInEditor = event.target instanceof Element && event.target.closest(".cm-editor") !== null;
  if (event.isComposing && !isInEditor) event.stopImmediatePropagation();
}

// Before every handler of the page, also that of React Aria, which closes a dialog with what was typed.
addEventListener("keydown", leaveToInputMethod, { capture: true });

/** Returns true if Enter was pressed, and is not held. */
export function isEnter({ key, nativeEvent: { repeat } }: ReactKeyboardEvent): boolean {
  return key === "Enter" && !repeat;
}
