import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toDraftEntry } from "../draft-notification.ts";
import { AT, aNotification } from "../testing/builders.ts";
import { CHANNEL_TYPES, type Channel } from "./channels.ts";
import { toMail } from "./email.ts";
import { toSlackMessage } from "./slack.ts";
import { toTeamsMessage } from "./teams.ts";

const HOSTILE =
  "<!channel> <@U1> @here <https://evil.example|click> [a](https://evil.example) <at>all</at> `*_~ \u202ereversed\u0000";

function aForeign(text: string) {
  const entry = { position: "1", kind: "trigger", incident: "1", title: text, text, at: AT } as const;
  const { title, text: body } = toDraftEntry(entry, false);
  return aNotification({ title, text: body });
}

/** All elements of a message with a text, whatever their depth. */
function textsOf(value: unknown): readonly { readonly type: string; readonly text: string }[] {
  if (typeof value !== "object" || value === null) return [];
  const inside = Object.values(value).flatMap(textsOf);
  return "type" in value && "text" in value && typeof value.text === "string" ? [Object(value), ...inside] : inside;
}

/** Nothing but our own link is formatted. */
function expectPlainSlack(content: unknown): void {
  expect(content).toMatchObject({ text: expect.not.stringMatching(/[<>]/) });
  const formatted = textsOf(content).filter(({ type }) => type !== "plain_text");
  expect(formatted.map(({ text }) => text)).toEqual([
    "<https://yard.example.org/stack?id=shop-pr-7|Open in Stackyard>",
  ]);
}

/** The services that show JSON as they get it interpret no text of it. Source: Standard Webhooks; Events API v2 of PagerDuty. */
function expectOneText(content: unknown): void {
  expect(JSON.stringify(content)).toContain(JSON.stringify(aForeign(HOSTILE).text).slice(1, -1));
}

/** Why foreign text does nothing in each channel: it names no one, links nowhere, and is not markup. */
const INERT: Readonly<Record<Channel["type"], (content: unknown) => void>> = {
  slack: expectPlainSlack,
  "slack-app": expectPlainSlack,
  // Runs of text know no Markdown; who is mentioned is in `msteams`.
  teams: (content) => {
    const runs = { type: "RichTextBlock" };
    expect(content).toMatchObject({ attachments: [{ content: { body: [runs, runs] } }] });
    expect(JSON.stringify(content)).not.toContain("msteams");
  },
  email: (content) => {
    const html = Object(content).html;
    expect([...html.matchAll(/<(\w+)/g)].map(([, tag]) => tag)).toEqual(["p", "b", "pre", "p", "a"]);
  },
  webhook: expectOneText,
  pagerduty: expectOneText,
};

describe("foreign text", () => {
  it("is without controls and without characters that reorder text", () => {
    const { title, text } = aForeign(`${HOSTILE}\nnext`);

    for (const character of ["\u202e", "\u0000", "\n"]) expect(title).not.toContain(character);
    expect(text).toMatch(/reversed\nnext$/);
  });

  for (const { schema, render } of CHANNEL_TYPES) {
    const type = schema.properties.type.const;
    it(`is inert in a message of ${type}`, () => {
      const content = render(aForeign(HOSTILE), { type })?.content;

      expect(content, "the channel renders").toBeDefined();
      INERT[type](content);
    });
  }

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
