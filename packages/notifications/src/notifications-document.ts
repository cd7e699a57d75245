import { type Static, Type } from "typebox";
import { Channel } from "./channels/channels.ts";
import { closed } from "./channels/schema-parts.ts";

const Name = Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$" });
const Cel = Type.String({ minLength: 1, maxLength: 4_096 });
const Duration = Type.String({
  pattern: "^[1-9][0-9]{0,5}(s|m|h|d)$",
  expected: "a duration such as 15m",
  description: "Such as 15m.",
});
const ClockTime = Type.String({
  pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$",
  expected: "a time such as 20:00",
  description: "Such as 20:00.",
});
const RuleSchema = Type.Object(
  {
    name: Name,
    when: Type.String({
      minLength: 1,
      maxLength: 4_096,
      description: "CEL over entry, stack and metadata, or notice.",
    }),
    to: Type.Array(Name, { minItems: 1, maxItems: 20, uniqueItems: true }),
    title: Type.Optional(Type.String({ minLength: 1, maxLength: 1_024, description: "A template." })),
    text: Type.Optional(Type.String({ minLength: 1, maxLength: 8_192, description: "A template." })),
    dedupe: Type.Optional(
      Type.Object(
        { key: Type.String({ minLength: 1, maxLength: 1_024, description: "A template." }), for: Duration },
        closed,
      ),
    ),
    digest: Type.Optional(
      Type.Object({ every: Duration, max: Type.Optional(Type.Integer({ minimum: 1, maximum: 50 })) }, closed),
    ),
    quiet: Type.Optional(
      Type.Object({ from: ClockTime, to: ClockTime, zone: Type.String({ minLength: 1, maxLength: 64 }) }, closed),
    ),
    urgent: Type.Optional(Type.Union([Type.Boolean(), Cel])),
    resolve: Type.Optional(Cel),
  },
  closed,
);

/** The document `notifications.yaml`: channels, and which changes are notified on which of them. */
export const NotificationsDocument = Type.Object(
  {
    url: Type.Optional(
      Type.String({
        pattern: "^https://[^\\s]{1,2000}$",
        expected: "an HTTPS address",
        description: "Of the console, for links.",
      }),
    ),
    channels: Type.Record(Name, Channel, { ...closed, minProperties: 1, maxProperties: 50 }),
    rules: Type.Array(RuleSchema, { maxItems: 200 }),
  },
  closed,
);
export type NotificationsDocument = Static<typeof NotificationsDocument>;
export type RuleSource = Static<typeof RuleSchema>;
