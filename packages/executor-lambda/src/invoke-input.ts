/** One call: the name as the task gives it, and the event as JSON. */
export interface InvokeInput {
  readonly name: string;
  readonly payload: string;
}
