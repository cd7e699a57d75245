/** A text of a key column as JSON; what `toKeyText` has escaped becomes JSON's own escape. */
export const JSON_TEXT = `
create function stackyard.json_text(p_text text) returns text language sql immutable as $body$
  select replace(to_json(p_text)::text, U&'\\FFFE', '\\u');
$body$;
`;
