from tests.io.file_server import server as server
