/** What a test says of a record; the rest is as Lambda gives it. */
export interface RecordSketch {
  readonly id?: string;
  readonly body: unknown;
  readonly deliveries?: number;
  readonly group?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** An event as in https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html, whose bodies are written as JSON unless they are text. */
export function anSqsEvent(records: readonly RecordSketch[], queue = "stack-events") {
  return {
    Records: records.map(({ id, body, deliveries = 1, group, attributes = {} }, index) => ({
      messageId: id ?? `m-${index + 1}`,
      receiptHandle: `r-${index + 1}`,
      body: typeof body === "string" ? body : JSON.stringify(body),
      attributes: {
        ApproximateReceiveCount: String(deliveries),
        SentTimestamp: "1767225600000",
        SenderId: "AIDAIENQZJOLO23YVJ4VO",
        ApproximateFirstReceiveTimestamp: "1767225600001",
        ...(group === undefined ? {} : { MessageGroupId: group }),
      },
      messageAttributes: Object.fromEntries(
        Object.entries(attributes).map(([name, stringValue]) => {
          return [name, { stringValue, stringListValues: [], binaryListValues: [], dataType: "String" }];
        }),
      ),
      md5OfBody: "e4e68fb7bd0e697a0ae8f1bb342846b3",
      eventSource: "aws:sqs",
      eventSourceARN: `arn:aws:sqs:eu-west-1:111122223333:${queue}`,
      awsRegion: "eu-west-1",
    })),
  };
}
