import { useState } from "react";
import { expect, it, vi } from "vitest";
import { userEvent } from "vitest/browser";
import { render } from "vitest-browser-react";
import "./base.css";
import { Button } from "./button.tsx";
import { ActionDialog, Dialog } from "./dialog.tsx";

function TwoDialogs() {
  const [open, setOpen] = useState<"first" | "second">();
  const close = () => setOpen(undefined);
  return (
    <>
      <Button onPress={() => setOpen("first")}>Open</Button>
      {open === "first" && (
        <Dialog title="First" onClose={close}>
          <Button onPress={() => setOpen("second")}>Next</Button>
        </Dialog>
      )}
      {open === "second" && (
        <Dialog title="Second" onClose={close}>
          <Button onPress={close}>Done</Button>
        </Dialog>
      )}
    </>
  );
}

it("returns the focus to its opener, also when another dialog has taken its place", async () => {
  const screen = await render(<TwoDialogs />);
  await screen.getByRole("button", { name: "Open" }).click();
  await screen.getByRole("button", { name: "Next" }).click();
  await expect.element(screen.getByRole("heading", { name: "Second" })).toBeVisible();

  await userEvent.keyboard("{Escape}");

  await expect.element(screen.getByRole("button", { name: "Open" })).toHaveFocus();
});

it("begins in its first field, and on the button where it has none", async () => {
  const common = { title: "Lock", verb: "Lock it", act: async () => undefined, onClose: () => undefined };
  const screen = await render(
    <ActionDialog {...common} reason="required">
      Nothing is sent.
    </ActionDialog>,
  );
  await expect.element(screen.getByRole("textbox", { name: "Reason" })).toHaveFocus();
  await screen.unmount();

  const simple = await render(<ActionDialog {...common}>Nothing is sent.</ActionDialog>);
  await expect.element(simple.getByRole("button", { name: "Lock it" })).toHaveFocus();
});

it("stays open when text in it is marked with the mouse and let go beside it (rancher/dashboard#12838)", async () => {
  const onClose = vi.fn();
  const screen = await render(
    <Dialog title="Remove" onClose={onClose}>
      <p>Type pr-12 to confirm</p>
    </Dialog>,
  );
  const text = screen.getByText("Type pr-12 to confirm").element();
  const beside = document.querySelector(".overlay") ?? document.body;
  const at = (target: Element, type: string) =>
    target.dispatchEvent(new PointerEvent(type, { bubbles: true, cancelable: true, button: 0, pointerType: "mouse" }));

  at(text, "pointerdown");
  at(beside, "pointerup");
  beside.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));

  expect(onClose).not.toHaveBeenCalled();
  await userEvent.keyboard("{Escape}");
  expect(onClose).toHaveBeenCalledTimes(1);
});

it("closes when the person goes back: it was about the page that is left (fleetdm/fleet#43647)", async () => {
  const screen = await render(<TwoDialogs />);
  await screen.getByRole("button", { name: "Open" }).click();
  await expect.element(screen.getByRole("heading", { name: "First" })).toBeVisible();

  dispatchEvent(new PopStateEvent("popstate"));

  await expect.element(screen.getByRole("heading", { name: "First" })).not.toBeInTheDocument();
});
