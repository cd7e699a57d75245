import { type AwsUse, NO_USE } from "./aws-prices.ts";
import { type CountedRequest, createDynamodbUnits, type DynamodbUnits } from "./dynamodb-units.ts";

/** Records the requests to AWS between a start and an end. */
export interface RequestLog {
  add(request: CountedRequest, answer: Buffer): void;
  begin(): void;
  /** `invocations`: of functions in between. */
  end(invocations: number): void;
  /** Requests by `service.Operation`. Receives that found nothing are not counted: an idle queue has them too. */
  readonly counts: ReadonlyMap<string, number>;
  /** The billed requests, without the duration of functions. */
  readonly use: AwsUse;
}

const NO_UNITS: DynamodbUnits = { read: 0, write: 0 };

/** One that does not count yet. */
export function createRequestLog(): RequestLog {
  const counts = new Map<string, number>();
  let use: AwsUse = NO_USE;
  let counting = false;
  const toUnits = createDynamodbUnits();
  return {
    counts,
    get use() {
      return use;
    },
    begin() {
      counting = true;
    },
    end(invocations) {
      counting = false;
      use = { ...use, invocation: invocations };
    },
    add(request, answer) {
      const units = request.service === "dynamodb" ? toUnits(request, answer) : NO_UNITS;
      if (!counting || isEmptyReceive(request, answer)) return;
      const name = `${request.service}.${request.operation}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
      use = addUse(use, request, units);
    },
  };
}

/** Only benchmarks read attributes of queues, to see when all is done. */
function isEmptyReceive({ operation }: CountedRequest, answer: Buffer): boolean {
  if (operation === "GetQueueAttributes") return true;
  return operation === "ReceiveMessage" && !answer.includes("ReceiptHandle");
}

function addUse(use: AwsUse, request: CountedRequest, { read, write }: DynamodbUnits): AwsUse {
  if (request.service === "sqs") return { ...use, queue: use.queue + 1 };
  if (request.service === "s3") {
    return request.operation === "ListObjectsV2" ? { ...use, list: use.list + 1 } : { ...use, get: use.get + 1 };
  }
  if (request.service !== "dynamodb") return use;
  return { ...use, read: use.read + read, write: use.write + write };
}
