// The deployed function, in a separate process: answers the events in its second argument, one after another.
// The first argument: the bundle.
const [bundle = "", events = "[]"] = process.argv.slice(2);

const { handler } = await import(bundle);

for (const event of JSON.parse(events)) {
  const tell = (answer: object): void => void process.send?.(answer);
  await handler(event, { awsRequestId: "r-1" }).then(
    (answer: unknown) => tell({ answer: answer ?? null }),
    ({ name, message }: Error) => tell({ error: { name, message } }),
  );
}
process.disconnect?.();
