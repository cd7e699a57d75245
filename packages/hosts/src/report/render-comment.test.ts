import fc from "fast-check";
import type { Nodes } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { describe, expect, it } from "vitest";
import { toCommit } from "../testing/builders.ts";
import type { PreviewFacts } from "./describe-preview.ts";
import { type PullReport, renderComment, toMarker } from "./render-comment.ts";

function aPreview(over: Partial<PreviewFacts> = {}): PreviewFacts {
  return { stackId: "shop-pr-7", state: "LIVE", phase: "ready", links: [], ...over };
}

function aReport(over: Partial<PullReport> = {}): PullReport {
  return { yardId: "y1", previews: [aPreview()], answers: [], ...over };
}

/** A report in which every foreign text is this one. */
function withText(text: string): PullReport {
  const failure = { task: text, code: text, message: text, log: text };
  const links = [{ name: text, url: "https://docs.example.org/" }];
  const texts = { stackId: text, state: text, reason: text, plan: text, owner: text, drift: text };
  return aReport({ previews: [aPreview({ ...texts, phase: "failed", links, failure })], answers: [text, text] });
}

/** What a comment consists of when the content of its code is left out. */
function toSkeleton(markdown: string): unknown {
  const strip = (node: Nodes): unknown => {
    if (node.type === "inlineCode" || node.type === "code") return node.type;
    if ("children" in node) return [node.type, "url" in node ? node.url : "", node.children.map(strip)];
    return [node.type, "value" in node ? node.value : ""];
  };
  return strip(fromMarkdown(markdown));
}

describe("the comment of a pull request", () => {
  it("says what every stack is, where it is, and what it waits for", () => {
    const preview = aPreview({
      phase: "waiting",
      state: "REVIEW",
      url: "https://pr-7.example.org/",
      reason: "sign-off waits for 1 approval from release-managers.",
      until: Date.UTC(2026, 0, 31, 12),
      plan: "2 to add, 1 to replace.",
      monthlyCost: 12.5,
      expiresAt: Date.UTC(2026, 1, 3, 8, 30),
      owner: "octocat",
      links: [{ name: "docs", url: "https://docs.example.org/" }],
      actions: [{ name: "Wake up", url: "https://yard.example.org/wake/shop-pr-7?s=x" }],
      console: "https://yard.example.org/stack?id=shop-pr-7",
    });

    expect(renderComment(aReport({ previews: [preview] }))).toBe(`<!-- stackyard y1 -->

#### Preview \`shop-pr-7\` waits for approval, in the state \`REVIEW\`

* Open: [\`https://pr-7.example.org/\`](https://pr-7.example.org/)
* Actions: [\`Wake up\`](https://yard.example.org/wake/shop-pr-7?s=x)
* Why: \`sign-off waits for 1 approval from release-managers.\`
* Until: \`2026-01-31 12:00 UTC\`
* Plan: \`2 to add, 1 to replace.\`
* Cost: \`12.50 USD a month\`
* Expires: \`2026-02-03 08:30 UTC\`
* Owner: \`octocat\`
* Links: [\`docs\`](https://docs.example.org/)
* Details: [\`console\`](https://yard.example.org/stack?id=shop-pr-7)
`);
  });

  it("folds the reason of a failure, with the end of its log", () => {
    const failure = {
      task: "apply",
      code: "TERRAFORM_FAILED",
      message: "It failed.",
      log: "one\n\u001b[31mtwo\u001b[0m\n",
    };

    expect(renderComment(aReport({ previews: [aPreview({ phase: "failed", state: "APPLY", failure })] }))).toBe(
      `<!-- stackyard y1 -->

#### Preview \`shop-pr-7\` has failed, in the state \`APPLY\`

<details>
<summary>Why it failed</summary>

Task \`apply\` with \`TERRAFORM_FAILED\`

\`\`\`
It failed.
\`\`\`

The end of its log:

\`\`\`
one
two
\`\`\`

</details>
`,
    );
  });

  it.each([
    ["asleep", "Preview `shop-pr-7` is asleep, in the state `ASLEEP`", true],
    ["quiet", "Preview `shop-pr-7` is in the state `ASLEEP`", false],
  ] as const)("does not call ready what is %s", (phase, heading, wakes) => {
    const text = renderComment(aReport({ previews: [aPreview({ state: "ASLEEP", phase })] }));

    expect(text).toContain(heading);
    expect(text.includes("Wake it: comment `/preview wake`")).toBe(wakes);
  });

  it("says how the head of a fork becomes trusted", () => {
    const text = renderComment(aReport({ previews: [], untrustedHead: toCommit(3) }));

    expect(text).toContain(`\`/preview trust ${toCommit(3)}\``);
  });

  it.each([
    "@team `x` <!--",
    "`` ` ``` @team",
    "-->\n\n@team <img src=x>",
    "</details>\n\n# @team",
    "\n\n    @team",
    toMarker("y1"),
    "[a](javascript:b) https://evil.example.org",
    "~~~\n```\n@team\n````",
  ])("keeps %j inert", (text) => {
    expect(toSkeleton(renderComment(withText(text)))).toEqual(toSkeleton(renderComment(withText("x"))));
  });

  it("keeps every text inert, and shows no invisible characters", () => {
    const skeleton = toSkeleton(renderComment(withText("x")));
    const parts = fc.constantFrom(
      "`",
      "~~~",
      "\n",
      "<!--",
      "-->",
      "@a",
      "|",
      "\\",
      " ",
      "\u202e",
      "\u0007",
      "]",
      "(",
      "&lt;",
      "x",
    );
    const texts = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(parts, { maxLength: 30 }).map((each) => each.join("")),
    );
    const whole = texts.map((text) => `x${text}x`);

    fc.assert(
      fc.property(whole, (text) => {
        const rendered = renderComment(withText(text));
        expect(toSkeleton(rendered)).toEqual(skeleton);
        expect(rendered).not.toMatch(/[^\P{Cc}\n\t]|\p{Cf}/u);
      }),
    );
  });

  it("has at most 60,000 characters, and still names its stacks", () => {
    const failure = { task: "apply", log: `${"`".repeat(200)}\n`.repeat(1_000) };
    const previews = Array.from({ length: 200 }, (_, index) =>
      aPreview({ stackId: `shop-${index}`, phase: "failed", reason: "r".repeat(5_000), failure }),
    );

    const text = renderComment(aReport({ previews }));

    expect(text.length).toBeLessThanOrEqual(60_000);
    expect(text).toContain("`shop-0`");
    expect(text).toMatch(/1[89]0 more stacks/);
  });
});
