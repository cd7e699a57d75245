import axe, { type RunOptions } from "axe-core";
import { afterEach, expect } from "vitest";

const STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

// The screen after a test is one of its states: loading, empty, failed, rejected, hostile. Each must be accessible.
afterEach(async ({ task }) => {
  if (task.result?.state === "fail") return;
  const light = await findViolations({ runOnly: { type: "tag", values: STANDARDS } });
  const root = document.documentElement;
  const before = root.getAttribute("data-theme");
  root.setAttribute("data-theme", "dark");
  // Only contrast depends on the colors.
  const dark = await findViolations({ runOnly: { type: "rule", values: ["color-contrast"] } });
  if (before === null) root.removeAttribute("data-theme");
  else root.setAttribute("data-theme", before);
  expect({ light, dark }).toEqual({ light: [], dark: [] });
});

async function findViolations(options: RunOptions): Promise<string[]> {
  // The page around the body is that of the test runner.
  const { violations } = await axe.run(document.body, { ...options, resultTypes: ["violations"] });
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" | ")}`);
}
