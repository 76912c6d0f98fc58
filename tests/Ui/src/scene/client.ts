import { connect } from 'node:net';

/** What a request line and headers are to be, byte for byte. */
export interface Sent {
  port: number;
  method: string;
  target: string;
  headers: [string, string][];
}

/** Asks as it is told, over plain sockets so that any bytes can be sent. Started as a process of its own. */
function ask(sent: Sent): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(sent.port, '127.0.0.1', () => {
      const headers = [['Host', 'web.test'], ['Connection', 'close'], ...sent.headers].map(([name, value]) => `${name}: ${value}\r\n`).join('');
      socket.write(Buffer.from(`${sent.method} ${sent.target} HTTP/1.1\r\n${headers}\r\n`, 'utf8'));
    });
    let answer = '';
    socket.on('data', (data) => (answer += data.toString('latin1')));
    socket.once('end', () => resolve(answer.slice(0, answer.indexOf('\r\n'))));
    socket.once('error', reject);
  });
}

process.on('message', (message: { id: number; sent: Sent }) => {
  ask(message.sent).then(
    (status) => process.send?.({ id: message.id, status }),
    (error: unknown) => process.send?.({ id: message.id, status: String(error) }),
  );
});
process.once('disconnect', () => process.exit());
