import { afterEach, expect, it, vi } from "vitest";
import { render } from "vitest-browser-react";

/** The scheme of the system as Chromium has it: a change that a page has read already is not announced. */
class SystemScheme extends EventTarget {
  isDark = false;
  #known = false;

  get matches(): boolean {
    this.#known = this.isDark;
    return this.isDark;
  }

  announce(): void {
    if (this.#known !== this.isDark) this.dispatchEvent(Object.assign(new Event("change"), { matches: this.matches }));
  }
}

function Theme({ useTheme }: { useTheme: () => string }) {
  return <output>{useTheme()}</output>;
}

afterEach(() => vi.unstubAllGlobals());

it("follows the scheme of the system also when a part of the page is drawn before the change is announced", async () => {
  const system = new SystemScheme();
  vi.stubGlobal("matchMedia", () => system);
  const address = new URL("./settings.ts?fresh", import.meta.url).href;
  const { applyTheme, useTheme }: typeof import("./settings.ts") = await import(/* @vite-ignore */ address);
  applyTheme();
  expect(document.documentElement.dataset["theme"]).toBe("light");

  system.isDark = true;
  const screen = await render(<Theme useTheme={useTheme} />);
  system.announce();

  expect(document.documentElement.dataset["theme"]).toBe("dark");
  await expect.element(screen.getByText("dark")).toBeVisible();
});
