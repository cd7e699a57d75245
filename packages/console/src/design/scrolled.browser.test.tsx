import { expect, it } from "vitest";
import { render } from "vitest-browser-react";
import { Scrolled } from "./scrolled.tsx";
import "./base.css";

function Shown({ lines }: { lines: number }) {
  return (
    <>
      <style>{".short { max-height: 4rem; overflow: auto }"}</style>
      <Scrolled label="Message" className="short">
        <pre>{"a line\n".repeat(lines)}</pre>
      </Scrolled>
    </>
  );
}

it("takes the focus while its text is too long for it, so that keys scroll it", async () => {
  const screen = await render(<Shown lines={100} />);
  const group = screen.getByRole("group", { name: "Message" });

  await expect.element(group).toHaveAttribute("tabindex", "0");
  await screen.rerender(<Shown lines={1} />);
  await expect.element(group).not.toBeInTheDocument();
});
