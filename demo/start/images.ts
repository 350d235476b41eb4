import { addProductImages, findProgram, PRODUCT_ROOT, productCommand, productMounts } from '@osm/cli';
import { imageAdd, imagesDirectory } from '@osm/cluster';

const APPLICATIONS = ['bookbuyer', 'bookthief', 'bookstore', 'bookwarehouse', 'purchase'];

/** Names the images of the mesh and of the bookstore for the embedded clusters of a home. */
export async function addDemoImages(home: string): Promise<void> {
  findProgram('mariadbd');
  await addProductImages(home);
  const directory = imagesDirectory(home);
  const mounts = productMounts('demo/apps');
  for (const name of APPLICATIONS) {
    await imageAdd({
      directory,
      name: `bookstore-demo/${name}`,
      command: [...productCommand('demo/apps/src/main.ts'), name],
      mounts,
    });
  }
  await imageAdd({
    directory,
    name: 'bookstore-demo/mysql',
    command: ['/bin/sh', '/opt/osm/mariadb.sh'],
    mounts: [{ source: `${PRODUCT_ROOT}demo/apps/mariadb.sh`, target: '/opt/osm/mariadb.sh' }],
  });
}
