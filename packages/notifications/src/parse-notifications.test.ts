import { describe, expect, it } from "vitest";
import { CHANNEL_TYPES } from "./channels/channels.ts";
import { parseNotifications } from "./parse-notifications.ts";
import { aDocument, CHANNELS } from "./testing/builders.ts";

const TYPES = CHANNEL_TYPES.map(({ schema }) => `"${schema.properties.type.const}"`)
  .join(", ")
  .replace(/, (?=[^,]*$)/, " or ");

function problemsOf(source: string) {
  return parseNotifications(source).problems.map(({ line, column, path, message }) => {
    return `${line}:${column} ${path}: ${message}`;
  });
}

const rule = (rest: string) =>
  `${CHANNELS}rules:\n  - { name: leaked, when: "entry.to == 'LEAKED'", to: [team], ${rest} }\n`;

describe("the document of notifications", () => {
  it("reads channels and rules", () => {
    const { channels, rules } = aDocument(`
  - name: leaked
    when: "entry.to == 'LEAKED' && metadata.cost > 5"
    to: [team, pager]
    dedupe: { key: "\${stack.id}", for: 1h }
    quiet: { from: "20:00", to: "07:00", zone: Europe/Berlin }
  - { name: letters, when: "notice.kind == 'dead-letter'", to: [team], digest: { every: 15m } }
`);

    expect([...channels.keys()]).toEqual(["team", "pager"]);
    expect(rules).toMatchObject([
      { name: "leaked", about: "entry", needsStack: true, dedupe: { forMs: 3_600_000 }, quiet: { from: "20:00" } },
      { name: "letters", about: "notice", digest: { everyMs: 900_000, max: 20 } },
    ]);
  });

  it.each([
    [`title: "\${notice.title}"`, "5:70 rules.0.title: "],
    ["urgent: entry.to ==", "5:71 rules.0.urgent: "],
    [
      'quiet: { from: "20:00", to: "07:00", zone: Europe/Nowhere }',
      '5:106 rules.0.quiet.zone: Unknown time zone "Europe/Nowhere".',
    ],
    ['quiet: { from: "20:00", to: "20:00", zone: UTC }', '5:91 rules.0.quiet.to: "from" and "to" are the same.'],
    [
      "digest: { every: 1h }, resolve: entry.to == 'GONE'",
      "5:95 rules.0.resolve: An alert that is resolved is sent at once.",
    ],
    ["whn: x", '5:68 rules.0.whn: Unknown key "whn".'],
  ])("reports the place of a fault in %s", (rest, expected) => {
    expect(problemsOf(rule(rest))).toEqual([expect.stringContaining(expected)]);
  });

  it.each([
    ["team: { type: slak, url: { env: A } }", `2:17 channels.team.type: channels.team.type must be ${TYPES}.`],
    [
      'team: { type: slack, url: "https://example.org/secret" }',
      "2:29 channels.team.url: channels.team.url must be { env: NAME }, { file: PATH } or { secret: ARN }, never the secret itself.",
    ],
    ["team: { type: slack }", '2:9 channels.team.url: The key "url" is missing.'],
    [
      "Team: { type: slack, url: { env: A } }",
      "2:9 channels.Team: channels.Team is not a valid name: names match ^[a-z][a-z0-9-]{0,31}$.",
    ],
  ])("says only what is wrong with the channel %s", (channel, expected) => {
    expect(problemsOf(`channels:\n  ${channel}\nrules: []\n`)).toEqual([expected]);
  });

  it("reports unknown channels, names that occur twice, and channels that cannot be used", () => {
    const source = `channels:
  hook: { type: webhook, url: "https://example.org", secret: { env: HOOK }, allow: [10.0.0.0] }
  mail: { type: email, host: mail, from: a@example.org, to: [b@example.org], user: a }
rules:
  - { name: one, when: "true", to: [nowhere] }
  - { name: one, when: "true", to: [hook] }
`;

    expect(problemsOf(source)).toEqual([
      expect.stringContaining('"10.0.0.0" is not a network'),
      expect.stringContaining('"user" and "password" belong together'),
      expect.stringContaining('Another rule is named "one"'),
      expect.stringContaining('Unknown channel "nowhere". Channels: hook, mail.'),
    ]);
  });

  it.each([
    [
      "a secret in clear",
      "channels: { team: { type: slack, url: https://hooks.slack.com/services/T/B/x } }\nrules: []",
    ],
    ["a webhook without https", 'channels: { h: { type: webhook, url: "http://a", secret: { env: A } } }\nrules: []'],
    ["no channels", "channels: {}\nrules: []"],
    ["an unknown type", "channels: { a: { type: pigeon } }\nrules: []"],
    ["a list", "[]"],
    ["broken YAML", "channels: ["],
  ])("refuses %s", (_, source) => {
    expect(problemsOf(source)).not.toEqual([]);
  });
});
