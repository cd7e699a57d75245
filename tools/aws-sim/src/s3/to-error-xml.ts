import { escapeText } from "../http/to-xml.ts";
import type { SimFault } from "../sim-fault.ts";

/** An error as S3 writes it: with what else it tells of this one (API reference, "REST Error Responses"). */
export function toErrorXml({ name: Code, message: Message, $fault: _, $metadata: __, ...fields }: SimFault): string {
  const told = { Code, Message, ...fields, RequestId: "4442587FB7D0A2F9", HostId: "host" };
  const elements = Object.entries(told).map(([tag, value]) => `<${tag}>${escapeText(String(value))}</${tag}>`);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${elements.join("")}</Error>`;
}
