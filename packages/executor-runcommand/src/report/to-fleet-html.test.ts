import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aFailure, anInstance, aPage, WHOLE_RUN } from "../testing/a-report.ts";
import { toFleetHtml } from "./to-fleet-html.ts";

const HOSTILE = `"><script>alert(1)</script><img src=x onerror='alert(2)'>&lt;\u001b[31m\u0000\u202e\``;

/** The tags of a page, in order. */
function listTags(page: string): readonly string[] {
  return [...page.matchAll(/<\/?([a-z0-9!]+)[^>]*>/gi)].map(([, name = ""]) => name.toLowerCase());
}

function textOf(page: string): string {
  return page
    .replace(/<style>[\s\S]*?<\/style>/, "")
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/\s+/g, " ");
}

describe("toFleetHtml", () => {
  it("explains what happened, why, and what to do", () => {
    const text = textOf(toFleetHtml([aPage([anInstance(1), aFailure(2), aFailure(3)], WHOLE_RUN)]));

    expect(text).toContain("2 of 3 instances failed.");
    expect(text).toContain("Started 2026-01-01T12:00:00Z");
    expect(text).toContain("2 instances: COMMAND_FAILED , exit code 2");
    expect(text).toContain("What to do: Read its output");
    expect(text).toContain("To run it again on exactly these instances: stackyard fleet retry run-7");
    expect(text).toContain("Words of this page");
  });

  it("shows names in our own texts as code", () => {
    const page = toFleetHtml([aPage([aFailure(1, { code: "DELIVERY_TIMEOUT" })])]);

    expect(page).toContain("its agent (<code>amazon-ssm-agent</code>)");
  });

  it("says what to do about what our own script says", () => {
    const stderrTail = "stackyard: INSTANCE_TAGS_HIDDEN: tags are not in the instance metadata.\n";

    const text = textOf(toFleetHtml([aPage([aFailure(1, { stderrTail })])]));

    expect(text).toContain("What to do: Switch InstanceMetadataTags on for the instance.");
  });

  it("shows failing instances with what they said before all others", () => {
    const page = toFleetHtml([
      aPage([anInstance(1, { stdoutTail: "fine" }), aFailure(2, { stdoutTail: "half way", cut: true })]),
    ]);

    expect(page.indexOf("Instances that failed")).toBeLessThan(page.indexOf("The other instances"));
    expect(page).toContain("half way");
    expect(page).toContain("The output was longer");
    expect(page).not.toContain("fine");
  });

  it("stands alone: nothing is loaded, nothing is run", () => {
    const page = toFleetHtml([
      aPage([aFailure(1, { links: { stdout: "https://example.org/log", stderr: "s3://b/k" } })]),
    ]);

    const tags = new Set(listTags(page));
    for (const name of ["script", "link", "img", "iframe", "object", "embed", "base", "form", "svg"]) {
      expect(tags.has(name), name).toBe(false);
    }
    expect(page).not.toMatch(/\b(src|srcset|action|background)\s*=|@import|url\(|\son\w+\s*=/i);
    expect(page).toContain("default-src 'none'");
    expect(page.match(/href="[^"]*"/g)).toEqual(
      ['href="https://example.org/log"', 'href="https://example.org/log"'].slice(0, 1),
    );
  });

  it("makes links of https addresses alone", () => {
    const links = { stdout: "javascript:alert(1)", stderr: 'https://a.example/"onclick="x' };

    expect(toFleetHtml([aPage([aFailure(1, { links })])])).not.toContain("href=");
  });

  it("shows hostile texts as texts, wherever they stand", () => {
    const calm = toFleetHtml([
      aPage(
        [
          aFailure(1, {
            code: "X",
            roles: ["r"],
            detailedStatus: "d",
            commandId: "c",
            stdoutTail: "o",
            stderrTail: "e",
          }),
        ],
        { source: "s", artifact: { bucket: "b", key: "k", versionId: "v" } },
      ),
    ]);
    const hostile = toFleetHtml([
      aPage(
        [
          aFailure(1, {
            instanceId: HOSTILE,
            code: HOSTILE,
            roles: [HOSTILE],
            detailedStatus: HOSTILE,
            commandId: HOSTILE,
            stdoutTail: HOSTILE,
            stderrTail: HOSTILE,
          }),
        ],
        { runId: HOSTILE, source: HOSTILE, artifact: { bucket: HOSTILE, key: HOSTILE, versionId: HOSTILE } },
      ),
    ]);

    expect(listTags(hostile)).toEqual(listTags(calm));
    expect(hostile).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(hostile).not.toMatch(/(?!\n)\p{Cc}|\u202e/u);
  });

  it("has the same tags whatever instances say", () => {
    const said = fc.string({ unit: fc.constantFrom("<", ">", '"', "'", "&", "`", "/", "a", "!", "-", "]", "\u0000") });
    const page = (stderrTail: string) =>
      listTags(toFleetHtml([aPage([aFailure(1, { stderrTail: `x${stderrTail}` })])]));

    fc.assert(
      fc.property(said, (text) => page(text).join() === page("").join()),
      { numRuns: 200 },
    );
  });

  it("explains why the whole run failed, even without instances", () => {
    const error = { code: "ACCESS_DENIED", message: "<b>ec2:DescribeInstances</b> is not allowed." };

    const page = toFleetHtml([], { error });

    expect(textOf(page)).toContain(
      "The run has failed. ACCESS_DENIED &lt;b&gt;ec2:DescribeInstances&lt;/b&gt; is not allowed.",
    );
    expect(textOf(toFleetHtml([aPage([aFailure(1)])], { error }))).toContain("1 of 1 instance failed. ACCESS_DENIED");
  });

  it("is a page also where nothing was selected", () => {
    const text = textOf(toFleetHtml([aPage([])]));

    expect(text).toContain("No instance was selected.");
    expect(text).not.toContain("Why they failed");
  });

  it("shows the states of a role's instances", () => {
    const page = toFleetHtml([
      aPage([anInstance(1, { state: "running" }), anInstance(2, { roles: [] }), anInstance(3)]),
    ]);

    expect(page).toContain("flex-basis:50%");
    expect(textOf(page)).toContain("webserver 1 1 2 (no role) 0 1 1");
  });
});
