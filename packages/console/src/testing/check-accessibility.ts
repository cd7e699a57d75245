import axe, { type RunOptions } from "axe-core";
import { afterEach, expect } from "vitest";

const STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

// The screen after a test is one of its states: loading, empty, failed, rejected, hostile. Each must be accessible. The end
// to end tests check every page in both schemes, and nightly this does, too.
const SCHEMES = import.meta.env["LONG_TESTS"] ? ["light", "dark"] : ["dark"];

afterEach(async ({ task }) => {
  if (task.result?.state === "fail") return;
  const root = document.documentElement;
  const before = root.getAttribute("data-theme");
  const found: Record<string, readonly string[]> = {};
  for (const scheme of SCHEMES) {
    root.setAttribute("data-theme", scheme);
    found[scheme] = await findViolations();
  }
  if (before === null) root.removeAttribute("data-theme");
  else root.setAttribute("data-theme", before);
  expect(found).toEqual(Object.fromEntries(SCHEMES.map((scheme) => [scheme, []])));
});

async function findViolations(): Promise<string[]> {
  const options: RunOptions = { runOnly: { type: "tag", values: STANDARDS }, resultTypes: ["violations"] };
  // The page around the body is that of the test runner.
  const { violations } = await axe.run(document.body, options);
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" | ")}`);
}
