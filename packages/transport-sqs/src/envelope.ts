/** What an envelope says about the message in it. */
export interface Envelope {
  /** The id that the topic or the bus gave it: the same when they deliver it twice. */
  readonly id?: string;
  /** Text attributes that came through a topic without raw delivery. */
  readonly attributes: Readonly<Record<string, string>>;
  /** The text in a topic's envelope. */
  readonly message?: string;
}

const NONE: Envelope = { attributes: {} };

/**
 * Reads the outermost envelope of a body: the notification of an SNS topic
 * (https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html) or an event of EventBridge
 * (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html). A body that has a `stackId`, or is no
 * JSON, has none.
 */
export function readEnvelope(body: string): Envelope {
  const value = parseMap(body);
  if (value === undefined || Object.hasOwn(value, "stackId")) return NONE;
  if (value["Type"] === "Notification" && typeof value["Message"] === "string") {
    return {
      ...toId(value["MessageId"]),
      attributes: readAttributes(value["MessageAttributes"]),
      message: value["Message"],
    };
  }
  return typeof value["detail"] === "object" && value["detail"] !== null
    ? { ...toId(value["id"]), attributes: {} }
    : NONE;
}

type Fields = Readonly<Record<string, unknown>>;

function parseMap(body: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isMap(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isMap(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function toId(value: unknown): Pick<Envelope, "id"> {
  return typeof value === "string" && value !== "" && value.length <= 255 ? { id: value } : {};
}

function readAttributes(value: unknown): Readonly<Record<string, string>> {
  if (!isMap(value)) return {};
  const texts = Object.entries(value).flatMap(([name, attribute]) => {
    const text = isMap(attribute) && attribute["Type"] === "String" ? attribute["Value"] : undefined;
    return typeof text === "string" ? [[name, text] as const] : [];
  });
  return Object.fromEntries(texts);
}
