import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toQueuedEntry } from "../queued-notification.ts";
import { AT, aNotification } from "../testing/builders.ts";
import { toMail } from "./email.ts";
import { toSlackMessage } from "./slack.ts";
import { toTeamsMessage } from "./teams.ts";

const HOSTILE =
  "<!channel> <@U1> @here <https://evil.example|click> [a](https://evil.example) <at>all</at> `*_~ \u202ereversed\u0000";

function aForeign(text: string) {
  const entry = { position: "1", kind: "trigger", incident: "1", title: text, text, at: AT } as const;
  const { title, text: body } = toQueuedEntry(entry, false);
  return aNotification({ title, text: body });
}

/** All elements of a message with a text, whatever their depth. */
function textsOf(value: unknown): readonly { readonly type: string; readonly text: string }[] {
  if (typeof value !== "object" || value === null) return [];
  const inside = Object.values(value).flatMap(textsOf);
  return "type" in value && "text" in value && typeof value.text === "string" ? [Object(value), ...inside] : inside;
}

describe("foreign text", () => {
  it("is without controls and without characters that reorder text", () => {
    const { title, text } = aForeign(`${HOSTILE}\nnext`);

    for (const character of ["\u202e", "\u0000", "\n"]) expect(title).not.toContain(character);
    expect(text).toMatch(/reversed\nnext$/);
  });

  it("is plain text in Slack: nothing but our own link is formatted", () => {
    const message = toSlackMessage(aForeign(HOSTILE));

    expect(message.text).not.toMatch(/[<>]/);
    const formatted = textsOf(message).filter(({ type }) => type !== "plain_text");
    expect(formatted.map(({ text }) => text)).toEqual([
      "<https://yard.example.org/stack?id=shop-pr-7|Open in Stackyard>",
    ]);
  });

  it("is a run without Markdown in a card, without mentions", () => {
    const card = JSON.parse(toTeamsMessage(aForeign(HOSTILE)));

    const { body, msteams } = card.attachments[0].content;
    expect(body.map(({ type }: { type: string }) => type)).toEqual(["RichTextBlock", "RichTextBlock"]);
    expect(msteams).toBeUndefined();
  });

  it("has no tags in a mail", () => {
    const { html } = toMail(aForeign(`<script>alert(1)</script><a href="https://evil.example">x</a>`));

    expect([...html.matchAll(/<(\w+)/g)].map(([, tag]) => tag)).toEqual(["p", "b", "pre", "p", "a"]);
  });

  it("of any kind fits into each format", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 3_000 }), (text) => {
        const foreign = aForeign(text);
        expect(toSlackMessage(foreign).text).not.toMatch(/[<>]/);
        expect(Buffer.byteLength(toTeamsMessage(foreign))).toBeLessThanOrEqual(28_000);
        expect(toMail(foreign).subject).not.toMatch(/[\r\n]/);
      }),
      { numRuns: 25 },
    );
  });
});
