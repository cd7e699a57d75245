import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createPressGate } from "./press-gate.ts";

let link: HTMLElement;
beforeEach(() => {
  vi.useFakeTimers();
  link = document.createElement("a");
  document.body.append(link);
});
afterEach(() => {
  vi.useRealTimers();
  link.remove();
});

/** Presses something, and returns what is shown of what comes then. */
function press(what: EventTarget): { readonly shown: readonly string[] } {
  const shown: string[] = [];
  const schedule = createPressGate(window);
  what.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true }));
  schedule(() => shown.push("first"));
  schedule(() => shown.push("second"));
  vi.advanceTimersByTime(100);
  return { shown };
}

describe("createPressGate", () => {
  it("holds what comes while a link is pressed until after the click", () => {
    const { shown } = press(link);
    expect(shown).toEqual([]);

    link.dispatchEvent(new PointerEvent("pointerup", { bubbles: true }));
    expect(shown).toEqual([]);
    vi.advanceTimersByTime(0);

    expect(shown).toEqual(["first", "second"]);
  });

  it("holds nothing while something else is pressed, such as a slider", () => {
    expect(press(document.body).shown).toEqual(["first", "second"]);
  });

  it("shows what it holds after five seconds without a release", () => {
    const { shown } = press(link);

    vi.advanceTimersByTime(5_000);

    expect(shown).toEqual(["first", "second"]);
  });
});
