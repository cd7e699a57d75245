import { expect, it } from "vitest";
import { userEvent } from "vitest/browser";
import { renderPage } from "../../testing/render-page.tsx";
import { type Step, Steps } from "./steps.tsx";

const step = (key: string, chosen: boolean): Step => ({
  key,
  name: `Wave ${key}`,
  status: "succeeded",
  note: "2 succeeded",
  link: { path: "/fleet", search: { wave: key } },
  chosen,
});
const steps = [step("1", false), step("2", true)];

/** Returns the color of the outer ring around the focus. */
const ringOf = () => getComputedStyle(document.activeElement ?? document.body).outlineColor;

it("shows the focus on the chosen step as on the others", async () => {
  const { screen } = await renderPage(() => <Steps label="Waves" steps={steps} />, "/fleet?wave=2", {});
  await expect.element(screen.getByRole("link", { name: /^Wave 2/ })).toHaveAttribute("aria-current", "page");

  await userEvent.tab();
  const usual = ringOf();
  await userEvent.tab();

  expect(document.activeElement?.textContent).toContain("Wave 2");
  expect(usual).not.toBe("rgba(0, 0, 0, 0)");
  expect(ringOf()).toBe(usual);
});
