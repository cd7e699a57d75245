import { SecretReferenceSchema } from "@stackyard/core/services";
import { type Static, Type } from "typebox";

const closed = { additionalProperties: false };
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
const HttpsUrl = Type.String({ pattern: "^https://[^\\s]{1,2000}$", expected: "an HTTPS address" });

/** Requests go to public addresses; networks in `allow` are exceptions. */
const Http = {
  allow: Type.Optional(
    Type.Array(Type.String({ minLength: 3, maxLength: 64 }), {
      maxItems: 20,
      description: "Networks that are not public and yet allowed, such as 10.1.0.0/16.",
    }),
  ),
};

const WebhookChannel = Type.Object(
  {
    type: Type.Literal("webhook"),
    url: Type.Union([HttpsUrl, SecretReferenceSchema]),
    secret: SecretReferenceSchema,
    ...Http,
  },
  closed,
);
const SlackChannel = Type.Object(
  { type: Type.Literal("slack"), url: SecretReferenceSchema, ...Http },
  { ...closed, description: "An incoming webhook." },
);
const SlackAppChannel = Type.Object(
  {
    type: Type.Literal("slack-app"),
    channel: Type.String({
      pattern: "^[A-Z0-9]{2,32}$",
      expected: "the id of a channel, such as C0123456789",
      description: "Id of the channel.",
    }),
    token: SecretReferenceSchema,
    url: Type.Optional(HttpsUrl),
    ...Http,
  },
  closed,
);
const TeamsChannel = Type.Object(
  { type: Type.Literal("teams"), url: SecretReferenceSchema, ...Http },
  { ...closed, description: "A workflow that posts to a channel when a webhook request is received." },
);
const Address = Type.String({ pattern: '^[^\\s<>,;:"]{1,64}@[^\\s<>,;:"]{1,255}$', expected: "an e-mail address" });
const EmailChannel = Type.Object(
  {
    type: Type.Literal("email"),
    host: Type.String({ minLength: 1, maxLength: 253 }),
    port: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 65_535, description: "Default: 587; 465 is TLS at once." }),
    ),
    tls: Type.Optional(
      Type.Union([Type.Literal("required"), Type.Literal("off")], { description: "Default: required." }),
    ),
    user: Type.Optional(Type.String({ minLength: 1, maxLength: 320 })),
    password: Type.Optional(SecretReferenceSchema),
    from: Address,
    to: Type.Array(Address, { minItems: 1, maxItems: 50 }),
  },
  closed,
);
const PagerDutyChannel = Type.Object(
  {
    type: Type.Literal("pagerduty"),
    key: SecretReferenceSchema,
    url: Type.Optional(HttpsUrl),
    severity: Type.Optional(
      Type.Union([Type.Literal("critical"), Type.Literal("error"), Type.Literal("warning"), Type.Literal("info")]),
    ),
    ...Http,
  },
  closed,
);

/** Where notifications go. */
export const Channel = Type.Union([
  WebhookChannel,
  SlackChannel,
  SlackAppChannel,
  TeamsChannel,
  EmailChannel,
  PagerDutyChannel,
]);
export type Channel = Static<typeof Channel>;

/** A channel of one type. */
export type ChannelOf<Kind extends Channel["type"]> = Extract<Channel, { readonly type: Kind }>;

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
