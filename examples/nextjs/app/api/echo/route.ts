/** Answers with the body that it got, byte for byte as text, and how long it was: tests send large and odd bodies. */
export async function POST(request: Request) {
  const body = await request.text();
  return Response.json({
    method: request.method,
    type: request.headers.get("content-type"),
    bytes: Buffer.byteLength(body),
    body,
  });
}
