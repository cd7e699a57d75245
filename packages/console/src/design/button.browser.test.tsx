import { useState } from "react";
import { expect, it, vi } from "vitest";
import { userEvent } from "vitest/browser";
import { render } from "vitest-browser-react";
import "./base.css";
import { Button } from "./button.tsx";

it("calls back when it is pressed, also by the keyboard", async () => {
  const onPress = vi.fn();
  const screen = await render(<Button onPress={onPress}>Retry</Button>);

  await screen.getByRole("button", { name: "Retry" }).click();
  await userEvent.keyboard("{Enter}");

  expect(onPress).toHaveBeenCalledTimes(2);
});

it("has no frame and no ground where it is plain, also while it is refused: the lock says it", async () => {
  const screen = await render(
    <Button look="plain" refusal="Task has not failed">
      Retry
    </Button>,
  );

  const { backgroundColor, borderTopColor } = getComputedStyle(screen.getByRole("button", { name: "Retry" }).element());
  expect([backgroundColor, borderTopColor]).toEqual(["rgba(0, 0, 0, 0)", "rgba(0, 0, 0, 0)"]);
  expect(screen.container.querySelector("button svg")).not.toBeNull();
});

it("has no lock, but its reason, where it would do nothing", async () => {
  const onPress = vi.fn();
  const screen = await render(
    <Button onPress={onPress} idle="Nothing to redo">
      Redo
    </Button>,
  );

  const button = screen.getByRole("button", { name: "Redo" });
  await userEvent.keyboard("{Tab}{Enter}");

  await expect.element(button).toHaveAttribute("aria-disabled", "true");
  await expect.element(button).toHaveAccessibleDescription("Nothing to redo");
  expect(screen.container.querySelector("button svg")).toBeNull();
  expect(onPress).not.toHaveBeenCalled();
});

it("stays focusable when it is refused, shows the reason and does nothing", async () => {
  const onPress = vi.fn();
  const screen = await render(
    <Button onPress={onPress} refusal="Needs operate on review-app">
      Retry
    </Button>,
  );

  const button = screen.getByRole("button", { name: "Retry" });
  await userEvent.keyboard("{Tab}");

  await expect.element(button).toHaveFocus();
  await expect.element(button).toHaveAttribute("aria-disabled", "true");
  await expect.element(button).toHaveAccessibleDescription("Needs operate on review-app");
  await expect.element(screen.getByRole("tooltip")).toHaveTextContent("Needs operate on review-app");
  await userEvent.keyboard("{Enter}");
  expect(onPress).not.toHaveBeenCalled();
});

it("presses once while the press before is under way, such as by a double click (publisher#2870, walrus#1939)", async () => {
  const answer = Promise.withResolvers<void>();
  const onPress = vi.fn(() => answer.promise);
  const screen = await render(<Button onPress={onPress}>Retry</Button>);
  const button = screen.getByRole("button", { name: "Retry" });

  await button.dblClick();

  await expect.element(button).toHaveAccessibleDescription("Working");
  expect(onPress).toHaveBeenCalledTimes(1);
  answer.resolve();
  await expect.element(button).not.toHaveAttribute("aria-disabled");
  await button.click();
  expect(onPress).toHaveBeenCalledTimes(2);
});

function RefusedWhileWorking({ onPress }: { readonly onPress: () => void }) {
  const [isBusy, setBusy] = useState(false);
  const press = () => {
    setBusy(true);
    onPress();
  };
  return (
    <Button refusal={isBusy ? "Working" : undefined} onPress={press}>
      Retry
    </Button>
  );
}

it("keeps the focus while it is refused because it works, and acts once however long its key is held (grafana#74441)", async () => {
  const onPress = vi.fn();
  const screen = await render(<RefusedWhileWorking onPress={onPress} />);
  const button = screen.getByRole("button", { name: "Retry" });
  await userEvent.keyboard("{Tab}");

  await userEvent.keyboard("{Enter>20/}");

  await expect.element(button).toHaveAccessibleDescription("Working");
  await expect.element(button).toHaveFocus();
  expect(onPress).toHaveBeenCalledTimes(1);
});
