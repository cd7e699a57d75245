import { afterEach, expect, it, vi } from "vitest";
import { render } from "vitest-browser-react";
import { Command } from "./copy-button.tsx";
import { ToastProvider } from "./toasts.tsx";
import "./base.css";

afterEach(() => vi.restoreAllMocks());

const shown = (
  <ToastProvider>
    <Command text="stackyard doctor" />
  </ToastProvider>
);

it("copies a command, and says so", async () => {
  const write = vi.spyOn(navigator.clipboard, "writeText").mockResolvedValue();
  const screen = await render(shown);

  await screen.getByRole("button", { name: "Copy stackyard doctor" }).click();

  await expect.element(screen.getByText("Copied")).toBeVisible();
  expect(write).toHaveBeenCalledWith("stackyard doctor");
});

it("says what to do when the browser refuses to copy", async () => {
  vi.spyOn(navigator.clipboard, "writeText").mockRejectedValue(new DOMException("Write permission denied."));
  const screen = await render(shown);

  await screen.getByRole("button", { name: "Copy stackyard doctor" }).click();

  await expect.element(screen.getByText(/Select the text, and copy it by the keyboard/)).toBeVisible();
});
