import type { KeyboardEvent } from "react";

/** Whether Enter was pressed: not held, and not to end a composition, which belongs to the input method. */
export function isEnter({ key, nativeEvent: { isComposing, repeat } }: KeyboardEvent): boolean {
  return key === "Enter" && !isComposing && !repeat;
}
