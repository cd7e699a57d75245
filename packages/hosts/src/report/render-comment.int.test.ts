import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { renderComment } from "./render-comment.ts";

// The README of the repository begins with the comment of a pull request.

const readme = readFileSync(join(import.meta.dirname, "../../../../README.md"), "utf8");

it("the README begins with the comment that a yard writes", () => {
  const commit = "9f1c2ab".padEnd(40, "0");
  const comment = renderComment({
    yardId: "y1",
    answers: [],
    previews: [
      {
        stackId: "shop-pr-7",
        state: "LIVE",
        phase: "ready",
        url: "https://pr-7.preview.example.org/",
        commits: { running: commit, newest: commit, verdict: { kind: "done" } },
        plan: "2 to add, 1 to change.",
        monthlyCost: 25,
        expiresAt: Date.UTC(2026, 11, 4, 9, 30),
        links: [],
      },
    ],
  });

  const shown = comment.split("\n").slice(2).join("\n").trim();
  const quoted = shown.split("\n").map((line) => `> ${line}`.trimEnd());
  expect(readme).toContain(`\n${quoted.join("\n")}\n\nIt expires in 3 days.`);
});
