/** Keys with what they do. */
export function KeyList({ keys }: { keys: readonly (readonly [key: string, text: string])[] }) {
  return (
    <dl className="pairs">
      {keys.map(([key, text]) => (
        <div key={key} style={{ display: "contents" }}>
          <dt>
            <kbd>{key}</kbd>
          </dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  );
}
