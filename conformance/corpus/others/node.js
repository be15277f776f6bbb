// SPDX-License-Identifier: MIT OR Apache-2.0
// The page of the corpus on Node's own server: reads what comes, answers GET and HEAD, and nothing else.
//   node node.js PORT
const page = 'A page of thirty-two characters.\n';

require('node:http')
  .createServer((request, response) => {
    request.resume().on('end', () => {
      const isRead = request.method === 'GET' || request.method === 'HEAD';
      if (isRead) response.setHeader('content-length', page.length);
      else response.writeHead(405, { allow: 'GET, HEAD' });
      response.end(isRead ? page : '');
    });
  })
  .listen(Number(process.argv[2]), '127.0.0.1');
